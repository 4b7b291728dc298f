package demo

import (
	"fmt"
	"strings"
	"time"

	"chengyin/survey/area"
)

// offices are the district's departments; the three that a sector reports to
// stand first: education, industry, administrative approval.
const offices = `教育文体局 Education, Culture and Sports Bureau|科技和工业局 Science and Industry Bureau|行政审批局 Administrative Approval Bureau|
党政办公室 Party and Government Office|创建办公室 Civility Office|人力资源局 Human Resources Bureau|财政局 Finance Bureau|
民政局 Civil Affairs Bureau|司法局 Justice Bureau|住房建设局 Housing Bureau|交通运输局 Transport Bureau|
水务局 Water Bureau|农业农村局 Agriculture Bureau|商务局 Commerce Bureau|卫生健康局 Health Bureau|
应急管理局 Emergency Management Bureau|审计局 Audit Bureau|市场监管局 Market Supervision Bureau|统计局 Statistics Bureau|
医疗保障局 Medical Insurance Bureau|城市管理局 City Management Bureau|信访局 Petitions Bureau|退役军人局 Veterans Bureau|
生态环境分局 Environment Branch|自然资源分局 Natural Resources Branch|税务分局 Tax Branch|消防救援大队 Fire and Rescue Brigade|
档案馆 Archives|图书馆 Library|文化馆 Cultural Centre|博物馆 Museum|融媒体中心 Media Centre|
疾病预防中心 Disease Prevention Centre|园林中心 Parks Centre|环卫中心 Sanitation Centre|公路养护中心 Road Maintenance Centre|
河道管理所 River Management Station|房屋征收中心 Housing Acquisition Centre|就业服务中心 Employment Service Centre|
数据中心 Data Centre|老干部服务中心 Retired Staff Service Centre|青少年活动中心 Youth Centre`

var (
	schoolKinds = []struct{ zh, en string }{{"小学", "Primary School"}, {"幼儿园", "Kindergarten"}, {"中学", "Middle School"}}
	trades      = []struct{ zh, en string }{
		{"精密机械", "Precision Machinery"}, {"食品", "Foods"}, {"物流", "Logistics"}, {"电子科技", "Electronics"}, {"服饰", "Garments"},
		{"包装材料", "Packaging"}, {"建筑工程", "Construction"}, {"环保设备", "Environmental Equipment"}, {"软件", "Software"}, {"商贸", "Trading"},
	}
	halls = []struct{ zh, en string }{
		{"便民服务中心", "Service Centre"}, {"供水营业厅", "Water Service Hall"}, {"公交服务点", "Bus Service Point"}, {"燃气营业厅", "Gas Service Hall"},
		{"社区卫生服务中心", "Community Health Centre"},
	}
)

// sectorUnits are the units of the demo district by sector: 42 offices, 96
// schools, 310 enterprises and 38 service halls.
func sectorUnits(t *town) []area.Unit {
	from := time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	var out []area.Unit
	add := func(kind, code, parent, zh, en, place string) {
		u := area.Unit{Code: code, Kind: kind, NameZH: zh, NameEN: en, AreaCode: place, ValidFrom: from}
		if parent != "" {
			u.ParentCode = &parent
		}
		out = append(out, u)
	}
	for i, line := range strings.Split(strings.ReplaceAll(offices, "\n", ""), "|") {
		zh, en, _ := strings.Cut(line, " ")
		add("government", fmt.Sprintf("G%03d", i+1), "", "滨江新区"+zh, "Binjiang "+en, DistrictCode)
	}
	type place struct{ code, zh, en string }
	var streets, committees []place
	for _, a := range t.areas {
		if !strings.HasPrefix(a.Code, "990102") || a.ValidTo != nil {
			continue
		}
		zh, en := a.NameZH, a.NameEN[:strings.LastIndexByte(a.NameEN, ' ')]
		switch a.Level {
		case area.Subdistrict:
			streets = append(streets, place{a.Code, zh, en})
		case area.Community:
			committees = append(committees, place{a.Code, strings.TrimSuffix(strings.TrimSuffix(zh, "社区"), "村"), en})
		}
	}
	for i := range 96 {
		p, k := committees[i%len(committees)], schoolKinds[(i+i/len(committees))%len(schoolKinds)]
		add("school", fmt.Sprintf("S%03d", i+1), "G001", p.zh+k.zh, p.en+" "+k.en, p.code)
	}
	for i := range 310 {
		p, k := committees[i%len(committees)], trades[(i/len(committees)*3+i)%len(trades)]
		add("enterprise", fmt.Sprintf("E%03d", i+1), "G002", "云澜"+p.zh+k.zh+"有限公司", "Yunlan "+p.en+" "+k.en+" Co.", p.code)
	}
	for i := range 38 {
		p, k := streets[i%len(streets)], halls[i/len(streets)]
		add("window", fmt.Sprintf("W%03d", i+1), "G003", p.zh+k.zh, p.en+" "+k.en, p.code)
	}
	return out
}
