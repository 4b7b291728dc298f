-- +goose Up
ALTER TABLE accounts ADD COLUMN totp_secret VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE accounts DROP COLUMN totp_secret;
