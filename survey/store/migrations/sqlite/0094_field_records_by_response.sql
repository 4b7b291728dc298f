-- +goose Up
CREATE INDEX field_records_by_response ON field_records (response_id);

-- +goose Down
DROP INDEX field_records_by_response;
