-- +goose Up
ALTER TABLE sessions ADD COLUMN method TEXT NOT NULL DEFAULT 'password';

-- +goose Down
ALTER TABLE sessions DROP COLUMN method;
