-- +goose Up
CREATE TABLE field_phones (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    account_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name VARCHAR(400) NOT NULL,
    token_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL UNIQUE,
    key_sealed VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at DATETIME(6) NOT NULL,
    seen_at DATETIME(6) NOT NULL,
    lease_until DATETIME(6) NOT NULL,
    waiting INT NOT NULL,
    offset_ms BIGINT NOT NULL,
    locked_at DATETIME(6) NULL,
    locked_by VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    signed_out_at DATETIME(6) NULL,
    CONSTRAINT field_phones_account_id FOREIGN KEY (account_id) REFERENCES accounts (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE field_phones;
