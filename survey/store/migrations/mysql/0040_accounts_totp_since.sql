-- +goose Up
ALTER TABLE accounts ADD COLUMN totp_since DATETIME(6) NULL;

-- +goose Down
ALTER TABLE accounts DROP COLUMN totp_since;
