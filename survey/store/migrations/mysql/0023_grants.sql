-- +goose Up
CREATE TABLE grants (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    account_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    role_code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code CHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    unit_code VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL,
    asked_by VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    asked_at DATETIME(6) NOT NULL,
    granted_by VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    granted_at DATETIME(6) NULL,
    ended_by VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    ended_at DATETIME(6) NULL,
    CONSTRAINT grants_account_id FOREIGN KEY (account_id) REFERENCES accounts (id),
    CONSTRAINT grants_role_code FOREIGN KEY (role_code) REFERENCES roles (code),
    CONSTRAINT grants_unit_code FOREIGN KEY (unit_code) REFERENCES sector_units (code)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE grants;
