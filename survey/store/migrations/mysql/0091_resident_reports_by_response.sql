-- +goose Up
CREATE INDEX resident_reports_by_response ON resident_reports (response_id);

-- +goose Down
DROP INDEX resident_reports_by_response ON resident_reports;
