package demo

// The names of the fictional city. No province has the digits 99, and to our
// knowledge no place in China has these names together. A line is a subdistrict
// or town with its communities; the villages of a town come after the bar.

type district struct {
	zh, en string
	units  []unitNames
}

type unitNames struct {
	town        bool
	zh, en      string
	communities string
	villages    string
}

var districts = []district{
	{"云岭区", "Yunling District", []unitNames{
		{false, "岭霁", "Lingji", "梅影 Meiying 兰皋 Langao 竹里 Zhuli 樱垞 Yingcha", ""},
		{false, "云蔚", "Yunwei", "蔚蓝 Weilan 朝岫 Zhaoxiu 虹渡 Hongdu 晓钟 Xiaozhong", ""},
		{true, "石韵", "Shiyun", "砚池 Yanchi 碑亭 Beiting", "砾湾 Liwan 琅石 Langshi"},
	}},
	{"滨江新区", "Binjiang New District", []unitNames{
		{false, "汀澜", "Tinglan", "听荷 Tinghe 望汐 Wangxi 澄岸 Cheng'an 蘋洲 Pinzhou 泊月 Boyue 云帆 Yunfan 鸥渡 Oudu 锦汀 Jinting 潮音 Chaoyin 晴渚 Qingzhu", ""},
		{false, "鹭鸣", "Luming", "鹭栖 Luqi 苇岸 Wei'an 白芷 Baizhi 知夏 Zhixia 沐岚 Mulan 竹喧 Zhuxuan 浣云 Huanyun 菱歌 Lingge 朝露 Zhaolu 采薇 Caiwei 旧埠 Jiubu", ""},
		{false, "星渚", "Xingzhu", "星汀 Xingting 璇玑 Xuanji 启澜 Qilan 银杉 Yinshan 揽辰 Lanchen 斗岚 Doulan 映星 Yingxing 河鼓 Hegu 天梭 Tiansuo 流霁 Liuji", ""},
		{false, "杉湾", "Shanwan", "杉语 Shanyu 松涧 Songjian 柏庐 Bailu 桐荫 Tongyin 榆晴 Yuqing 槐序 Huaixu 楠汀 Nanting 樟屿 Zhangyu 梧月 Wuyue 橡谷 Xianggu", ""},
		{false, "栖云", "Qiyun", "云岫 Yunxiu 揽翠 Lancui 鹤梦 Hemeng 半岭 Banling 烟萝 Yanluo 岚起 Lanqi 松萝 Songluo 漱泉 Shuquan 石磬 Shiqing 霁峰 Jifeng", ""},
		{false, "枫岚", "Fenglan", "枫眠 Fengmian 秋禾 Qiuhe 丹叶 Danye 霜晓 Shuangxiao 红蓼 Hongliao 暮云 Muyun 稻语 Daoyu 归樵 Guiqiao 菊畦 Juqi 晚照 Wanzhao", ""},
		{true, "禾汀", "Heting", "禾语 Heyu 春耘 Chunyun 埠桥 Buqiao", "菱塘 Lingtang 柳圩 Liuxu 荻湾 Diwan 青稔 Qingren 芦笛 Ludi 麦垄 Mailong"},
		{true, "檀坞", "Tanwu", "檀园 Tanyuan 茗亭 Mingting 石阶 Shijie", "竹坞 Zhuwu 梅磴 Meideng 溪磴 Xideng 柿坡 Shipo 橘坞 Juwu 上岚 Shanglan"},
	}},
	{"澜溪区", "Lanxi District", []unitNames{
		{false, "溪语", "Xiyu", "溪音 Xiyin 苔径 Taijing 萍踪 Pingzong 石濑 Shilai", ""},
		{false, "碧渊", "Biyuan", "碧萝 Biluo 渊澄 Yuancheng 荇湾 Xingwan 藻镜 Zaojing", ""},
		{true, "澜桥", "Lanqiao", "桥亭 Qiaoting 渡风 Dufeng", "碓房 Duifang 沙堰 Shayan"},
	}},
	{"望舒区", "Wangshu District", []unitNames{
		{false, "舒月", "Shuyue", "素月 Suyue 蟾光 Changuang 桂魄 Guipo 疏影 Shuying", ""},
		{false, "清漪", "Qingyi", "漪园 Yiyuan 涟台 Liantai 沐清 Muqing 泠泉 Lingquan", ""},
		{true, "晖和", "Huihe", "晖谷 Huigu 晴圃 Qingpu", "旸谷 Yanggu 暄坡 Xuanpo"},
	}},
}

// places are where posters hang, by slot.
var places = [][]string{
	{"3号楼电梯厅", "社区服务站门口", "小区东门宣传栏", "1号楼单元门旁", "菜市场入口", "便民超市门口", "7号楼电梯厅", "小区北门岗亭旁"},
	{"小区西门宣传栏", "老年活动室门口", "12号楼电梯厅", "公交站候车亭", "文化活动中心一楼", "地下车库电梯厅", "垃圾分类驿站旁", "幼儿园门口"},
}

var villagePlaces = [][]string{
	{"村委会宣传栏", "村口公交站", "文化礼堂门口"},
	{"村卫生室门口", "老樟树下公告栏", "小卖部门口"},
}

// complaints are what residents want solved first, by the question that rates it.
var complaints = map[string][]string{
	"q9":  {"楼道里堆的杂物一直没人清", "垃圾桶旁边总有异味,夏天更明显", "小区草坪踩秃了,希望补种", "地下车库积灰太厚", "希望增加一次傍晚的保洁"},
	"q10": {"晚上回来没有地方停车", "消防通道经常被占", "能不能把闲置空地改成停车位", "电动车乱停,出门不方便", "充电桩太少,有人从楼上拉线充电", "访客车位总被长期占用"},
	"q11": {"电梯老坏,修一次要等好几天", "物业收费项目看不明白", "报修以后没有回音", "门禁坏了半年没修"},
	"q12": {"办事窗口中午没人", "老人办证要跑两趟", "社区通知只在群里发,老人看不到"},
	"q13": {"早高峰公交要等二十分钟", "路口左转红灯太长", "学校门口放学时太堵", "非机动车逆行的多"},
	"q14": {"菜市场地面总是湿滑", "背街路灯不亮", "小餐馆油烟直排", "后巷夜里有烧烤噪声"},
	"q15": {"夜里跳广场舞声音太大", "遛狗不牵绳,孩子害怕", "楼下小广告清了又贴"},
	"q16": {"健身器材锈了没人换", "附近没有孩子踢球的地方", "公园里公厕太少", "图书室周末不开门"},
}

// complained lists the questions of complaints in their order.
var complained = []string{"q9", "q10", "q11", "q12", "q13", "q14", "q15", "q16"}
