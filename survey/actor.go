package survey

import (
	"slices"
	"strings"
)

// Permission is something an actor may do.
type Permission string

// The permissions of the platform's services.
const (
	SeeScores        Permission = "see_scores"        // figures of places
	SeeResponses     Permission = "see_responses"     // what came in when and what became of it, without answers
	ReadAnswers      Permission = "read_answers"      // the answers of single responses
	ExportResponses  Permission = "export_responses"  // de-identified answers as a file
	ManageCollectors Permission = "manage_collectors" // posters and codes
	ManageAreas      Permission = "manage_areas"      // places, units, population
	ManageWaves      Permission = "manage_waves"
	ManagePrivacy    Permission = "manage_privacy"   // retention and erasure
	ManageTokens     Permission = "manage_tokens"    // access of other systems to what one may do oneself
	ManageAccounts   Permission = "manage_accounts"  // 系统管理员: who may sign in
	ManageGrants     Permission = "manage_grants"    // 安全管理员: who may do what
	ManageSecurity   Permission = "manage_security"  // 安全管理员: roles and rules of signing in
	ReadAudit        Permission = "read_audit"       // 审计管理员
	ManageSamples    Permission = "manage_samples"   // address frames, plans, draws
	ManageFieldwork  Permission = "manage_fieldwork" // who visits which household, how far it is, whose phone is locked
	ReadReports      Permission = "read_reports"     // what residents say of the interview they gave
	Interview        Permission = "interview"        // visit the households one was given
)

// Permissions lists all permissions in the order in which people read them.
var Permissions = []Permission{
	SeeScores, SeeResponses, ReadAnswers, ExportResponses, ManageCollectors, ManageAreas, ManageWaves, ManagePrivacy, ManageTokens,
	ManageSamples, ManageFieldwork, ReadReports, Interview,
	ManageAccounts, ManageGrants, ManageSecurity, ReadAudit,
}

// Duty returns which of the three administrators (三员) a permission belongs to:
// "system", "security" or "audit"; "" for everything else.
func (p Permission) Duty() string {
	switch p {
	case ManageAccounts:
		return "system"
	case ManageGrants, ManageSecurity:
		return "security"
	case ReadAudit:
		return "audit"
	}
	return ""
}

// Everywhere is the code that stands for all places.
const Everywhere = "000000000000"

// Grant is a role on a subtree of places (属地) or on a unit of a sector (行业).
type Grant struct {
	Role        string
	Name        Text   // of the role
	Area        string // code of the top of the subtree; "" of a grant on a unit
	Unit        string // code of the unit; "" of a grant on places
	UnitArea    string // where the unit lies
	Permissions []Permission
}

// Actor is who asks. The zero Actor is nobody and may do nothing.
type Actor struct {
	Account string // id
	Login   string
	Name    string
	Grants  []Grant
	Via     string // how they came: "session", "token", "phone", "command", "schedule"
	From    string // where they came from: a network address
	Request string // id of the request
	Must    string // what they have to do before anything else: "password" or "totp"; mostly ""
}

// System acts for the platform itself: the schedule, the command line.
var System = Actor{Account: "system", Login: "system", Name: "system", Via: "command", Grants: []Grant{{Role: "system", Area: Everywhere, Permissions: Permissions}}}

// Nobody reports whether nobody is signed in.
func (a Actor) Nobody() bool { return a.Account == "" && a.Login == "" }

// Can reports whether any of the actor's grants carries the permission.
func (a Actor) Can(p Permission) bool {
	return slices.ContainsFunc(a.Grants, func(g Grant) bool { return slices.Contains(g.Permissions, p) })
}

// CanAny reports whether the actor has one of the permissions.
func (a Actor) CanAny(of ...Permission) bool { return slices.ContainsFunc(of, a.Can) }

// Places returns the tops of the subtrees in which the actor has one of the
// permissions, sorted, none inside another. Without permissions to ask for, those
// of all grants on places.
func (a Actor) Places(of ...Permission) []string {
	var tops []string
	for _, g := range a.Grants {
		if g.Area != "" && g.carries(of) {
			tops = append(tops, g.Area)
		}
	}
	slices.Sort(tops)
	return slices.DeleteFunc(slices.Compact(tops), func(code string) bool {
		return slices.ContainsFunc(tops, func(top string) bool { return top != code && Within(top, code) })
	})
}

// Units returns the units on which the actor has one of the permissions, sorted.
func (a Actor) Units(of ...Permission) []string {
	var units []string
	for _, g := range a.Grants {
		if g.Unit != "" && g.carries(of) {
			units = append(units, g.Unit)
		}
	}
	slices.Sort(units)
	return slices.Compact(units)
}

// carries reports whether the grant has one of the permissions, or any at all
// when none is asked for.
func (g Grant) carries(of []Permission) bool {
	return len(of) == 0 || slices.ContainsFunc(of, func(p Permission) bool { return slices.Contains(g.Permissions, p) })
}

// Sees reports whether the place with that code lies where the actor has the
// permission.
func (a Actor) Sees(p Permission, code string) bool {
	return slices.ContainsFunc(a.Grants, func(g Grant) bool { return slices.Contains(g.Permissions, p) && Within(g.Area, code) })
}

// Touches reports whether any of the actor's places, or places of their units,
// lies in the place with that code or contains it.
func (a Actor) Touches(code string) bool {
	return slices.ContainsFunc(a.Grants, func(g Grant) bool {
		at := g.Area
		if at == "" {
			at = g.UnitArea
		}
		return Within(at, code) || Within(code, at)
	})
}

// Home returns the highest of the actor's places where they have one of the
// permissions, the first of several; "" when there is none.
func (a Actor) Home(of ...Permission) string {
	best := ""
	for _, code := range a.Places(of...) {
		if best == "" || len(Prefix(code)) < len(Prefix(best)) {
			best = code
		}
	}
	return best
}

// Roles returns the codes of the actor's roles, each once, in the order of the
// grants.
func (a Actor) Roles() []string {
	var out []string
	for _, g := range a.Grants {
		if !slices.Contains(out, g.Role) {
			out = append(out, g.Role)
		}
	}
	return out
}

// Within reports whether the place with that code is top or lies below it. What
// is no code of twelve digits lies nowhere.
func Within(top, code string) bool {
	return isCode(top) && isCode(code) && strings.HasPrefix(code, Prefix(top))
}

func isCode(s string) bool {
	return len(s) == 12 && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// Prefix returns the digits of a 12-digit 统计用区划代码 that the codes of all
// places below it share: 4 of a city, 6 of a district, 9 of a subdistrict, all
// 12 of a community, and "" of the code of zeros, which stands for everything.
func Prefix(code string) string {
	if len(code) != 12 {
		return code
	}
	for _, n := range []int{0, 2, 4, 6, 9} {
		if strings.Trim(code[n:], "0") == "" {
			return code[:n]
		}
	}
	return code
}
