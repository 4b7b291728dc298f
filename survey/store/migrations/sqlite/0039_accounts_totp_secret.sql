-- +goose Up
ALTER TABLE accounts ADD COLUMN totp_secret TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE accounts DROP COLUMN totp_secret;
