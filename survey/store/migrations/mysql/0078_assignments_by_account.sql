-- +goose Up
CREATE INDEX assignments_by_account ON assignments (account_id, wave_id);

-- +goose Down
DROP INDEX assignments_by_account ON assignments;
