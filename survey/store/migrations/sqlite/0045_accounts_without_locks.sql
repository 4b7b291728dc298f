-- +goose Up
ALTER TABLE accounts DROP COLUMN locked_until;

-- +goose Down
ALTER TABLE accounts ADD COLUMN locked_until DATETIME NULL;
