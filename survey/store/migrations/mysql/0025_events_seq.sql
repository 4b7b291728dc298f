-- +goose Up
ALTER TABLE events ADD COLUMN seq BIGINT NULL;

-- +goose Down
ALTER TABLE events DROP COLUMN seq;
