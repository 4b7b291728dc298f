-- +goose Up
CREATE INDEX field_phones_by_account ON field_phones (account_id);

-- +goose Down
DROP INDEX field_phones_by_account;
