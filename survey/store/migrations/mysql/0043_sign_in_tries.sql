-- +goose Up
CREATE TABLE sign_in_tries (
    login_key VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    source VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    failures INT NOT NULL,
    since DATETIME(6) NOT NULL,
    locked_until DATETIME(6) NULL,
    ok_at DATETIME(6) NULL,
    PRIMARY KEY (login_key, source)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE sign_in_tries;
