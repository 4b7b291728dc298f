-- +goose Up
ALTER TABLE sessions ADD COLUMN source TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sessions DROP COLUMN source;
