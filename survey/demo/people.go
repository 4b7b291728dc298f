package demo

import "chengyin/survey/account"

// townspeople work in the demo city besides the sign-ins of people.
var townspeople = []struct {
	account.NewPerson
	waits bool // for the security administrator
}{
	{account.NewPerson{Login: "gu.ming", Name: "滨江新区创城办 顾铭", AreaCode: DistrictCode, Role: "office"}, false},
	{account.NewPerson{Login: "qin.yue", Name: "滨江新区 秦越（区系统管理员）", AreaCode: DistrictCode, Role: "sysadmin"}, false},
	{account.NewPerson{Login: "bai.jing", Name: "滨江新区 白静（区安全管理员）", AreaCode: DistrictCode, Role: "secadmin"}, false},
	{account.NewPerson{Login: "lu.yao", Name: "教育文体局 陆遥", AreaCode: DistrictCode, Role: "unit", Unit: "G001"}, false},
	{account.NewPerson{Login: "tang.wei", Name: "行政审批局 唐薇", AreaCode: DistrictCode, Role: "unit", Unit: "G003"}, false},
	{account.NewPerson{Login: "jiang.he", Name: "汀澜街道 江禾", AreaCode: "990102001000", Role: "viewer"}, false},
	{account.NewPerson{Login: "fang.yi", Name: "听荷社区 方怡", AreaCode: "990102001001", Role: "worker"}, false},
	{account.NewPerson{Login: "song.qi", Name: "街道干部 宋齐", AreaCode: "990102002000", Role: "subdistrict"}, true},
	{account.NewPerson{Login: "yu.lan", Name: "社区工作者 于岚", AreaCode: "990102001001", Role: "worker"}, true},
	{account.NewPerson{Login: "meng.ke", Name: "科技和工业局 孟柯", AreaCode: DistrictCode, Role: "unit", Unit: "G002"}, true},
}
