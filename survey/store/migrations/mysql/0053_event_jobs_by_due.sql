-- +goose Up
CREATE INDEX event_jobs_by_due ON event_jobs (done_at, failed_at, due_at);

-- +goose Down
DROP INDEX event_jobs_by_due ON event_jobs;
