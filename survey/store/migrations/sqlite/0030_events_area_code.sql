-- +goose Up
ALTER TABLE events ADD COLUMN area_code TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE events DROP COLUMN area_code;
