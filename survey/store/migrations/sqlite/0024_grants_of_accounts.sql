-- +goose Up
INSERT OR IGNORE INTO grants (id, account_id, role_code, area_code, unit_code, asked_by, asked_at, granted_by, granted_at, ended_by, ended_at)
SELECT id, id, role, area_code, NULL, 'system', created_at, 'system', created_at, '', NULL FROM accounts;

-- +goose Down
DELETE FROM grants;
