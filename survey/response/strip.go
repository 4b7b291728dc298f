package response

import (
	"encoding/json"
	"fmt"

	"chengyin/survey/store"
)

// StripRecord returns the content of a visit's record (docs/adr/0007) without what
// was said at the door: the note about the address, the appointment, the sealed
// answers and their receipt. With answers it leaves these two. What stays is what
// the design of the sample and response rates follow from. The record's hash stays
// too, so that a phone that sends it again is given the same receipt.
func StripRecord(content string, answers bool) string {
	var record map[string]json.RawMessage
	if json.Unmarshal([]byte(content), &record) != nil {
		return "" // nothing in it can be told apart
	}
	delete(record, "note")
	delete(record, "appointment")
	var interview map[string]json.RawMessage
	if json.Unmarshal(record["interview"], &interview) == nil && !answers {
		delete(interview, "sealed")
		delete(interview, "answers") // of paper
		delete(interview, "receipt")
		if raw, err := json.Marshal(interview); err == nil {
			record["interview"] = raw
		}
	}
	out, err := json.Marshal(record)
	if err != nil {
		return ""
	}
	return string(out)
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
