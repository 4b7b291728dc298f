-- +goose Up
CREATE INDEX resident_reports_by_wave ON resident_reports (wave_id, at);

-- +goose Down
DROP INDEX resident_reports_by_wave;
