-- +goose Up
ALTER TABLE sessions ADD COLUMN method VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'password';

-- +goose Down
ALTER TABLE sessions DROP COLUMN method;
