-- +goose Up
CREATE TABLE privacy_clocks (
    class VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    days INT NOT NULL,
    changed_at DATETIME(6) NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE privacy_clocks;
