-- +goose Up
CREATE INDEX privacy_erasures_by_class ON privacy_erasures (class, at);

-- +goose Down
DROP INDEX privacy_erasures_by_class;
