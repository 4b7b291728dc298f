package response

import (
	"encoding/json"
	"fmt"
	"slices"

	"chengyin/survey/store"
)

// What stays of a visit's record: what the design of the sample, response rates and
// the review of interviews follow from.
var (
	ofVisit     = []string{"v", "wave", "home", "made_at", "outcome", "period", "weekend"}
	ofInterview = []string{"questionnaire", "lang", "mode", "helper", "dialect", "adults", "select", "chosen", "started_at", "ended_at"}
	ofAnswers   = []string{"sealed", "receipt"}
)

// StripRecord returns the content of a visit's record (docs/adr/0007) without what
// was noted at the door and, unless answers is set, without the sealed answers and
// their receipt; "" of what is no record. The record's hash stays beside it, so that
// a phone that sends it again is given the same receipt.
func StripRecord(content string, answers bool) string {
	record := only(json.RawMessage(content), ofVisit)
	if record == nil {
		return ""
	}
	var whole map[string]json.RawMessage
	if json.Unmarshal([]byte(content), &whole) != nil {
		return ""
	}
	keep := ofInterview
	if answers {
		keep = slices.Concat(ofInterview, ofAnswers)
	}
	if interview := only(whole["interview"], keep); interview != nil {
		raw, err := json.Marshal(interview)
		if err != nil {
			return ""
		}
		record["interview"] = raw
	}
	out, err := json.Marshal(record)
	if err != nil {
		return ""
	}
	return string(out)
}

// only returns the plain values of these names in an object, nil when it is none.
func only(object json.RawMessage, names []string) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal(object, &all) != nil || all == nil {
		return nil
	}
	out := map[string]json.RawMessage{}
	for _, name := range names {
		if v, ok := all[name]; ok && len(v) > 0 && v[0] != '{' && v[0] != '[' { // nothing hides in them
			out[name] = v
		}
	}
	return out
}

// stripRecords takes the answers out of the records of the visits that brought them,
// and out of what else came under the ids of these.
func stripRecords(tx *store.Tx, responses []string) error {
	var records []struct{ ID, Content string }
	if err := tx.Table("field_records").Select("id, content").Where("response_id IN ?", responses).Find(&records).Error; err != nil {
		return fmt.Errorf("find the visits of responses: %w", err)
	}
	for _, x := range records {
		change := map[string]any{"content": StripRecord(x.Content, false), "response_id": nil}
		if err := tx.Table("field_records").Where("id = ?", x.ID).Updates(change).Error; err != nil {
			return fmt.Errorf("take the answers out of a visit: %w", err)
		}
		if err := tx.Table("field_rivals").Where("record_id = ?", x.ID).Update("content", "").Error; err != nil {
			return fmt.Errorf("take the answers out of a visit: %w", err)
		}
	}
	return nil
}
