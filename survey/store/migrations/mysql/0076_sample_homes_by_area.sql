-- +goose Up
CREATE INDEX sample_homes_by_area ON sample_homes (wave_id, area_code);

-- +goose Down
DROP INDEX sample_homes_by_area ON sample_homes;
