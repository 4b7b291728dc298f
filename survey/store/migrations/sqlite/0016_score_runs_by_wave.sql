-- +goose Up
CREATE INDEX score_runs_by_wave ON score_runs (wave_id, is_current);

-- +goose Down
DROP INDEX score_runs_by_wave;
