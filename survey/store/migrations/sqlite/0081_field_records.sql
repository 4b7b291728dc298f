-- +goose Up
CREATE TABLE field_records (
    id TEXT NOT NULL PRIMARY KEY,
    wave_id TEXT NOT NULL,
    unit_id TEXT NOT NULL,
    area_code TEXT NOT NULL,
    account_id TEXT NOT NULL,
    phone_id TEXT NOT NULL,
    via TEXT NOT NULL,
    outcome TEXT NOT NULL,
    adults INTEGER NULL,
    made_at DATETIME NOT NULL,
    offset_ms INTEGER NOT NULL,
    received_at DATETIME NOT NULL,
    hash TEXT NOT NULL,
    content TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    response_id TEXT NULL,
    signature TEXT NOT NULL
);

-- +goose Down
DROP TABLE field_records;
