-- +goose Up
CREATE INDEX responses_by_wave ON responses (wave_id, received_at, id);

-- +goose Down
DROP INDEX responses_by_wave;
