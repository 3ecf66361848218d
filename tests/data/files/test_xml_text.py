"""Document types in XML are refused, in whatever encoding, before they are expanded."""
import pytest

from light_head_rcnn.data.files.xml_text import reject_document_type
from light_head_rcnn.data.readers.cvat_files import read_cvat_file
from light_head_rcnn.data.readers.voc_xml import read_voc_xml
from light_head_rcnn.errors import DataError

BOMB = ("<!DOCTYPE a [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY {new} '{f'&{old};' * 10}'>" for old, new in zip("abcdefgh", "bcdefghi")) + "]>")
EXTERNAL = "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
REMOTE = "<!DOCTYPE annotation SYSTEM 'http://127.0.0.1:9/a.dtd'>"
BODY = "<annotation><filename>{}</filename></annotation>"


@pytest.mark.parametrize("head, use", [(BOMB, "&i;"), (EXTERNAL, "&x;"), (REMOTE, "a")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251", "cp037"])
def test_a_document_type_is_refused(tmp_path, head, use, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><!-- {"x" * 100000} -->{head}{BODY.format(use)}'
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    for read in (read_voc_xml, lambda file: read_cvat_file(file, ())):
        with pytest.raises(DataError, match="a.xml.*(DOCTYPE|not valid XML)"):
            read(str(tmp_path / "a.xml"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1251"])
def test_other_xml_passes(tmp_path, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?><!-- <!DOCTYPE x> -->' + BODY.format("a.jpg")
    reject_document_type((text.encode(encoding),))
    (tmp_path / "a.xml").write_bytes(text.encode(encoding))
    assert read_voc_xml(str(tmp_path / "a.xml")).filename == "a.jpg"


def test_deep_xml_does_not_end_the_process(tmp_path):
    (tmp_path / "a.xml").write_text("<annotation>" + "<a>" * 100000 + "</a>" * 100000 + "</annotation>")
    assert read_voc_xml(str(tmp_path / "a.xml")).objects == []
