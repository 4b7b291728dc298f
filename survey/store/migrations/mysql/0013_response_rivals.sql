-- +goose Up
CREATE TABLE response_rivals (
    response_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    answers_hash CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    answers MEDIUMTEXT NOT NULL,
    via VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    received_at DATETIME(6) NOT NULL,
    reviewed_at DATETIME(6) NULL,
    PRIMARY KEY (response_id, answers_hash),
    CONSTRAINT response_rivals_response_id FOREIGN KEY (response_id) REFERENCES responses (id)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE response_rivals;
