-- +goose Up
CREATE TABLE field_records (
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    wave_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    unit_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    area_code VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    account_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    phone_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    via VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    outcome VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    adults INT NULL,
    made_at DATETIME(6) NOT NULL,
    offset_ms BIGINT NOT NULL,
    received_at DATETIME(6) NOT NULL,
    hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    content MEDIUMTEXT NOT NULL,
    status VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    reason VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    response_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    signature VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE field_records;
