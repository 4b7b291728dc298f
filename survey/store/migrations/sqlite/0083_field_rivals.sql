-- +goose Up
CREATE TABLE field_rivals (
    record_id TEXT NOT NULL REFERENCES field_records (id),
    hash TEXT NOT NULL,
    content TEXT NOT NULL,
    phone_id TEXT NOT NULL,
    received_at DATETIME NOT NULL,
    reviewed_at DATETIME NULL,
    signature TEXT NOT NULL,
    PRIMARY KEY (record_id, hash)
);

-- +goose Down
DROP TABLE field_rivals;
