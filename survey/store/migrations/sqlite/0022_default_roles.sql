-- +goose Up
INSERT OR IGNORE INTO roles (code, name_zh, name_en, permissions, is_default, created_at) VALUES
    ('office', '创城办（区、市）', 'District or city office', 'see_scores see_responses read_answers export_responses manage_collectors manage_areas manage_waves manage_privacy manage_tokens', TRUE, '2026-11-01 00:00:00'),
    ('subdistrict', '镇街管理员', 'Subdistrict manager', 'see_scores see_responses manage_collectors', TRUE, '2026-11-01 00:00:00'),
    ('community', '社区管理员', 'Community manager', 'see_scores see_responses manage_collectors', TRUE, '2026-11-01 00:00:00'),
    ('worker', '社区工作者', 'Community worker', '', TRUE, '2026-11-01 00:00:00'),
    ('unit', '责任单位', 'Responsible unit', '', TRUE, '2026-11-01 00:00:00'),
    ('viewer', '只读查看', 'Read-only viewer', 'see_scores', TRUE, '2026-11-01 00:00:00'),
    ('sysadmin', '系统管理员', 'System administrator', 'manage_accounts', TRUE, '2026-11-01 00:00:00'),
    ('secadmin', '安全管理员', 'Security administrator', 'manage_grants manage_security', TRUE, '2026-11-01 00:00:00'),
    ('auditor', '审计管理员', 'Audit administrator', 'read_audit', TRUE, '2026-11-01 00:00:00');

-- +goose Down
DELETE FROM roles;
