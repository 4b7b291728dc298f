-- +goose Up
CREATE TABLE early_reports (
    receipt_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    n INT NOT NULL,
    receipt_sealed VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    note MEDIUMTEXT NOT NULL,
    at DATETIME(6) NOT NULL,
    PRIMARY KEY (receipt_hash, n)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE early_reports;
