-- +goose Up
ALTER TABLE accounts ADD COLUMN password_at DATETIME(6) NULL;

-- +goose Down
ALTER TABLE accounts DROP COLUMN password_at;
