-- +goose Up
CREATE TABLE assignments (
    unit_id TEXT NOT NULL PRIMARY KEY REFERENCES sample_units (id),
    wave_id TEXT NOT NULL,
    area_code TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    assigned_by TEXT NOT NULL,
    assigned_at DATETIME NOT NULL
);

-- +goose Down
DROP TABLE assignments;
