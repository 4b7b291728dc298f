package survey

import "slices"

// Role is a named set of permissions. Roles are data: an installation keeps its
// own in the database and begins with DefaultRoles.
type Role struct {
	Code        string
	Name        Text
	Permissions []Permission
}

// DefaultRoles are the roles that an installation begins with. The three
// administrators (三员) see neither scores nor answers.
var DefaultRoles = []Role{
	{"office", Text{"创城办（区、市）", "District or city office"}, []Permission{SeeScores, SeeResponses, ReadAnswers, ExportResponses, ManageCollectors, ManageAreas, ManageWaves, ManagePrivacy, ManageTokens, ManageSamples, ManageFieldwork, ReadReports}},
	{"subdistrict", Text{"镇街管理员", "Subdistrict manager"}, []Permission{SeeScores, SeeResponses, ManageCollectors, ManageFieldwork}},
	{"community", Text{"社区管理员", "Community manager"}, []Permission{SeeScores, SeeResponses, ManageCollectors, ManageFieldwork}},
	{"worker", Text{"社区工作者", "Community worker"}, []Permission{Interview}},
	{"unit", Text{"责任单位", "Responsible unit"}, nil},
	{"viewer", Text{"只读查看", "Read-only viewer"}, []Permission{SeeScores}},
	{"sysadmin", Text{"系统管理员", "System administrator"}, []Permission{ManageAccounts}},
	{"secadmin", Text{"安全管理员", "Security administrator"}, []Permission{ManageGrants, ManageSecurity}},
	{"auditor", Text{"审计管理员", "Audit administrator"}, []Permission{ReadAudit}},
}

// RoleCodes lists the codes of the default roles.
func RoleCodes() []string {
	var out []string
	for _, r := range DefaultRoles {
		out = append(out, r.Code)
	}
	return out
}

// Duties returns which of the three administrators' duties the permissions
// contain, and whether they contain anything else.
func Duties(of []Permission) (duties []string, other bool) {
	for _, p := range of {
		switch d := p.Duty(); {
		case d == "":
			other = true
		case !slices.Contains(duties, d):
			duties = append(duties, d)
		}
	}
	return duties, other
}

// As returns an actor with one default role on a subtree of places: for tests and
// for the platform's own commands.
func As(login, role, area string) Actor {
	a := Actor{Account: login, Login: login, Name: login, Via: "session"}
	g := Grant{Role: role, Area: area}
	for _, r := range DefaultRoles {
		if r.Code == role {
			g.Name, g.Permissions = r.Name, r.Permissions
		}
	}
	a.Grants = []Grant{g}
	return a
}
