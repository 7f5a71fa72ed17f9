"""The demo city as data: its departments, who answers for what, its accounts and its trackside devices.

Departments are the kinds a city of this size has; companies are named by what they do. Accounts are posts, not people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CITY: Final = "360500"
COUNTIES: Final = ("360502", "360521")


@dataclass(frozen=True, slots=True)
class Body:
    """A department or an outside organisation."""

    code: str
    name: str
    name_en: str
    kind: str = "government"
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Ownership:
    """A body owns matters in the whole city; ``minors`` empty means every minor of the major."""

    body: str
    kind: str
    major: str | None
    minors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """An account: a role over areas (codes) or every rail section; a clerk's over its body; else over the whole city."""

    username: str
    name_zh: str
    name_en: str
    role: str
    body: str | None = None
    areas: tuple[str, ...] = ()
    rail: bool = False
    sees: tuple[str, str] = ("", "")


BODIES: Final = (
    Body("zongzhi", "新余市综治中心", "Xinyu governance centre"),
    Body("chengguan", "新余市城市管理局", "Xinyu urban management bureau"),
    Body("zhujian", "新余市住房和城乡建设局", "Xinyu housing and construction bureau"),
    Body("jiaotong", "新余市交通运输局", "Xinyu transport bureau"),
    Body("shuili", "新余市水利局", "Xinyu water resources bureau"),
    Body("huanbao", "新余市生态环境局", "Xinyu ecology and environment bureau"),
    Body("yingji", "新余市应急管理局", "Xinyu emergency management bureau"),
    Body("shijian", "新余市市场监督管理局", "Xinyu market regulation bureau"),
    Body("gongan", "新余市公安局", "Xinyu public security bureau"),
    Body("ziran", "新余市自然资源局", "Xinyu natural resources bureau"),
    Body("nongye", "新余市农业农村局", "Xinyu agriculture bureau"),
    Body("weijian", "新余市卫生健康委员会", "Xinyu health commission"),
    Body("yuanlin", "新余市园林绿化中心", "Xinyu parks and greening centre", parent="chengguan"),
    Body("huluban", "新余市护路办", "Xinyu rail-protection office", parent="zongzhi"),
    Body("gongshui", "供水公司", "Water supply company", "external"),
    Body("gongdian", "供电公司", "Power supply company", "external"),
    Body("ranqi", "燃气公司", "Gas company", "external"),
    Body("tongxin", "通信运营企业", "Telecom operators", "external"),
    Body("gongjiao", "公交公司", "Bus company", "external"),
    Body("wuye", "物业服务公司", "Property management company", "external"),
    Body("zongzhi-360502", "渝水区综治中心", "Yushui governance centre", parent="zongzhi"),
    Body("zongzhi-360521", "分宜县综治中心", "Fenyi governance centre", parent="zongzhi"),
    Body("huluban-360502", "渝水区护路办", "Yushui rail-protection office", parent="huluban"),
    Body("huluban-360521", "分宜县护路办", "Fenyi rail-protection office", parent="huluban"),
)

# Owners of components and subjects of events over the whole city; the narrower row of two wins.
OWNERSHIPS: Final = (
    Ownership("chengguan", "component", None),
    Ownership("gongshui", "component", "01", ("01", "25", "93")),
    Ownership("zhujian", "component", "01", ("02", "03", "04", "26", "88", "90")),
    Ownership("ranqi", "component", "01", ("10", "11", "49", "57", "92")),
    Ownership("yuanlin", "component", "01", ("14",)),
    Ownership("tongxin", "component", "01", ("27", "31")),
    Ownership("gongdian", "component", "01", ("28", "29", "30", "54")),
    Ownership("gongan", "component", "01", ("50", "51")),
    Ownership("jiaotong", "component", "02"),
    Ownership("chengguan", "component", "02", ("01", "25")),
    Ownership("gongjiao", "component", "02", ("04",)),
    Ownership("gongan", "component", "02", ("17", "20", "21")),
    Ownership("zhujian", "component", "02", ("84", "85", "86")),
    Ownership("yuanlin", "component", "04"),
    Ownership("yingji", "component", "05", ("03", "04")),
    Ownership("shuili", "component", "05", ("06", "07", "08")),
    Ownership("chengguan", "event", None),
    Ownership("yuanlin", "event", "01", ("17", "18", "21", "22", "79", "90", "91")),
    Ownership("shuili", "event", "01", ("25", "26", "81", "82")),
    Ownership("huanbao", "event", "01", ("30", "32", "87")),
    Ownership("weijian", "event", "01", ("33",)),
    Ownership("nongye", "event", "01", ("37", "38")),
    Ownership("ziran", "event", "01", ("98", "99")),
    Ownership("zhujian", "event", "01", ("13", "83")),
    Ownership("jiaotong", "event", "01", ("97",)),
    Ownership("zhujian", "event", "03"),
    Ownership("huanbao", "event", "03", ("04",)),
    Ownership("shijian", "event", "04", ("98",)),
    Ownership("yingji", "event", "04", ("96",)),
    Ownership("yingji", "event", "05"),
    Ownership("gongshui", "event", "05", ("01",)),
    Ownership("ranqi", "event", "05", ("02", "04")),
    Ownership("zhujian", "event", "05", ("03", "05", "06")),
    Ownership("jiaotong", "event", "05", ("07",)),
    Ownership("gongdian", "event", "05", ("08",)),
    Ownership("shijian", "event", "06", ("02",)),
    Ownership("ziran", "event", "06", ("96",)),
    Ownership("yingji", "alert", None),
    Ownership("huluban", "alert", "rail"),
)

# What an account sees, in Chinese and English.
_OWN: Final = ("本部门案件", "cases of its own")
_YUSHUI: Final = ("渝水区", "Yushui")
_FENYI: Final = ("分宜县", "Fenyi")
_RAIL: Final = ("护路区段", "the rail sections")

POSTS: Final = (
    Post("dispatcher", "市调度员", "City dispatcher", "dispatcher", "zongzhi", sees=("全市", "the whole city")),
    Post("supervisor", "市监督员", "City supervisor", "supervisor", "zongzhi", sees=("全市", "the whole city")),
    Post("yushui", "渝水区调度员", "Yushui dispatcher", "dispatcher", "zongzhi-360502", ("360502",), sees=_YUSHUI),
    Post("fenyi", "分宜县调度员", "Fenyi dispatcher", "dispatcher", "zongzhi-360521", ("360521",), sees=_FENYI),
    Post("chengguan", "城管局经办人", "Urban management clerk", "clerk", "chengguan", sees=_OWN),
    Post("zhujian", "住建局经办人", "Construction clerk", "clerk", "zhujian", sees=_OWN),
    Post("yuanlin", "园林中心经办人", "Parks clerk", "clerk", "yuanlin", sees=_OWN),
    Post("gongshui", "供水公司经办人", "Water company clerk", "clerk", "gongshui", sees=_OWN),
    Post("wuye", "物业公司经办人", "Property company clerk", "clerk", "wuye", sees=_OWN),
    Post("wangge-yushui", "渝水区网格管理员", "Yushui grid manager", "grid_worker", "zongzhi-360502", ("360502",), sees=_YUSHUI),
    Post("wangge-fenyi", "分宜县网格管理员", "Fenyi grid manager", "grid_worker", "zongzhi-360521", ("360521",), sees=_FENYI),
    Post("wanggeyuan", "水北镇网格员", "Grid worker of Shuibei", "grid_worker", None, ("360502100",), sees=("水北镇", "Shuibei")),
    Post("huluban", "市护路办值班员", "Rail-protection duty officer", "rail_office", "huluban", rail=True, sees=_RAIL),
    Post("huluyuan", "护路员", "Rail guard", "rail_guard", "huluban", rail=True, sees=_RAIL),
    Post("quhua", "区划管理员", "Area administrator", "area_admin", "zongzhi", sees=("区划与全市案件", "areas and all cases")),
    Post("lingdao", "市领导", "City leader", "leader", None, sees=("全市", "the whole city")),
    Post("admin", "系统管理员", "System administrator", "system_admin", None, sees=("账号、设备、区划", "accounts, devices, areas")),
)  # fmt: skip

RAIL_KINDS: Final = ("person_on_track", "large_livestock", "vehicle", "light_floating_object", "fence_damage")
TRACKSIDE: Final = (("camera", "摄像机"), ("radar", "雷达"), ("vibration", "振动传感器"))
TRACKSIDE_COUNT: Final = 60
TRACKSIDE_OFFSET_M: Final = 12.0
