-- +goose Up
ALTER TABLE accounts ADD COLUMN password_at DATETIME NULL;

-- +goose Down
ALTER TABLE accounts DROP COLUMN password_at;
