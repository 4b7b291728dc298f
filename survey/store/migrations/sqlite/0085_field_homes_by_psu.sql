-- +goose Up
CREATE INDEX field_homes_by_psu ON field_homes (wave_id, area_code, psu);

-- +goose Down
DROP INDEX field_homes_by_psu;
