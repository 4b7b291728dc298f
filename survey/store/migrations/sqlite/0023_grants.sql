-- +goose Up
CREATE TABLE grants (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    role_code TEXT NOT NULL,
    area_code TEXT NOT NULL,
    unit_code TEXT NULL,
    asked_by TEXT NOT NULL,
    asked_at DATETIME NOT NULL,
    granted_by TEXT NOT NULL,
    granted_at DATETIME NULL,
    ended_by TEXT NOT NULL,
    ended_at DATETIME NULL,
    CONSTRAINT grants_account_id FOREIGN KEY (account_id) REFERENCES accounts (id),
    CONSTRAINT grants_role_code FOREIGN KEY (role_code) REFERENCES roles (code),
    CONSTRAINT grants_unit_code FOREIGN KEY (unit_code) REFERENCES sector_units (code)
);

-- +goose Down
DROP TABLE grants;
