package score

// SaveRun stores a run as a refresh does.
var SaveRun = saveRun
