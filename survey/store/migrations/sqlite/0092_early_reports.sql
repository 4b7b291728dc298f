-- +goose Up
CREATE TABLE early_reports (
    receipt_hash TEXT NOT NULL,
    n INTEGER NOT NULL,
    receipt_sealed TEXT NOT NULL,
    kind TEXT NOT NULL,
    note TEXT NOT NULL,
    at DATETIME NOT NULL,
    PRIMARY KEY (receipt_hash, n)
);

-- +goose Down
DROP TABLE early_reports;
