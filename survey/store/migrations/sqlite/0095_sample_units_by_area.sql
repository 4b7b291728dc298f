-- +goose Up
CREATE INDEX sample_units_by_area ON sample_units (wave_id, area_code);

-- +goose Down
DROP INDEX sample_units_by_area;
