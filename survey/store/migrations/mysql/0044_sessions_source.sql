-- +goose Up
ALTER TABLE sessions ADD COLUMN source VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sessions DROP COLUMN source;
