-- +goose Up
ALTER TABLE responses ADD COLUMN masked INT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE responses DROP COLUMN masked;
