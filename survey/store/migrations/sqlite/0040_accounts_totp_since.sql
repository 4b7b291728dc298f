-- +goose Up
ALTER TABLE accounts ADD COLUMN totp_since DATETIME NULL;

-- +goose Down
ALTER TABLE accounts DROP COLUMN totp_since;
