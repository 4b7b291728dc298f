-- +goose Up
CREATE INDEX response_traces_by_time ON response_traces (received_at);

-- +goose Down
DROP INDEX response_traces_by_time ON response_traces;
