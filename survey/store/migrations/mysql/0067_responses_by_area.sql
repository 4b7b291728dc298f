-- +goose Up
CREATE INDEX responses_by_area ON responses (wave_id, area_code, received_at, id);

-- +goose Down
DROP INDEX responses_by_area ON responses;
