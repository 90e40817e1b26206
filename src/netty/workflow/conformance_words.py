"""What the tables of the conformance statement say in words, Japanese beside English, by the values of the code."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from netty.dicom import tags
from netty.dimse.status import Status, StoreStatus
from netty.language import Language
from netty.ul import reasons
from netty.ul.pdu import AbortReason, AssociateReject, ContextResult
from netty.workflow.settings import Keep, Unsolicited


class Text(NamedTuple):
    """One sentence in both languages."""

    en: str
    ja: str

    def said(self, language: Language) -> str:
        """It, in one of them."""
        return self.ja if language is Language.JAPANESE else self.en


REJECTS: Final[Mapping[AssociateReject, Text]] = {  # in the order in which they are tested
    reasons.PROTOCOL_VERSION_NOT_SUPPORTED: Text(
        "bit 0 of the protocol version is not set", "プロトコルバージョンのビット0が立っていない"
    ),
    reasons.APPLICATION_CONTEXT_NOT_SUPPORTED: Text(
        "another application context name, or none", "アプリケーションコンテキスト名が異なる、または無い"
    ),
    reasons.CALLED_AE_TITLE_NOT_RECOGNIZED: Text(
        "the called AE title is not ours", "Called AE Titleが自AEのものと異なる"
    ),
    reasons.CALLING_AE_TITLE_NOT_RECOGNIZED: Text(
        "no remote is registered with this calling AE title and address",
        "Calling AE Titleとアドレスの組が登録されていない",
    ),
    reasons.NO_REASON_GIVEN: Text("no presentation context is proposed", "プレゼンテーションコンテキストの提案が無い"),
    reasons.TEMPORARY_CONGESTION: Text("the service is stopping", "サービスの停止中"),
}

ABORTS: Final[Mapping[AbortReason, Text]] = {
    AbortReason.UNRECOGNIZED_PDU: Text("a PDU of unknown type", "種別の不明なPDU"),
    AbortReason.UNEXPECTED_PDU: Text("a PDU that is not expected in this state", "その状態では予期されないPDU"),
    AbortReason.UNEXPECTED_PDU_PARAMETER: Text("a DIMSE response that nobody waits for", "待っていないDIMSEレスポンス"),
    AbortReason.INVALID_PDU_PARAMETER_VALUE: Text(
        "a length, context or fragment that does not fit, or a PDU longer than our maximum",
        "長さ、コンテキストまたは断片の不整合、最大長を超えるPDU",
    ),
}

CONTEXT_RESULTS: Final[Mapping[ContextResult, Text]] = {
    ContextResult.ACCEPTANCE: Text("accepted", "受諾"),
    ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED: Text("the SOP class is not served", "SOPクラスがサポート対象外"),
    ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED: Text(
        "none of the transfer syntaxes is accepted", "受諾できる転送構文が無い"
    ),
}

STORE_STATUSES: Final[Mapping[int, tuple[Text, Text]]] = {  # kind, condition
    StoreStatus.SUCCESS: (
        Text("Success", "Success (正常)"),
        Text("the image is safe on the disk", "画像がディスクに安全に保存された"),
    ),
    StoreStatus.OUT_OF_RESOURCES: (
        Text("Refused", "Refused (拒否)"),
        Text(
            "too little room on the disk, the disk or the database does not answer, or the data set is too long",
            "ディスクの空き不足、ディスクまたはデータベースの障害、データセットが長すぎる",
        ),
    ),
    StoreStatus.STATEMENT_SOP_CLASS_NOT_SUPPORTED: (
        Text("Refused", "Refused (拒否)"),
        Text(
            "the Affected SOP Class is not served, or is not that of the presentation context",
            "Affected SOP Classがサポート対象外、またはプレゼンテーションコンテキストのものと異なる",
        ),
    ),
    StoreStatus.DATA_SET_DOES_NOT_MATCH: (
        Text("Error", "Error (エラー)"),
        Text(
            "SOP Class or SOP Instance UID of the data set is missing, or is not that of the command",
            "データセットのSOP Class UIDまたはSOP Instance UIDが無い、またはコマンドのものと異なる",
        ),
    ),
    StoreStatus.CANNOT_UNDERSTAND: (
        Text("Error", "Error (エラー)"),
        Text(
            "the data set cannot be read to its end, or has no valid Study or Series Instance UID",
            "データセットを最後まで読めない、または有効なStudy/Series Instance UIDが無い",
        ),
    ),
    StoreStatus.COERCION_OF_DATA_ELEMENTS: (
        Text("Warning", "Warning (警告)"),
        Text(
            "kept; the values that identify the patient are cleared in the copy that is kept (keep.dicom)",
            "保存した。保管する複製では患者を識別する値をクリアする (keep.dicom)",
        ),
    ),
    StoreStatus.DATA_SET_DOES_NOT_MATCH_WARNING: (
        Text("Warning", "Warning (警告)"),
        Text(
            "kept; but the image lacks Rows, Columns, Bits Allocated or Pixel Data, or has too few pixels",
            "保存した。ただしRows、Columns、Bits Allocated、Pixel Dataのいずれかが無い、または画素が足りない",
        ),
    ),
    StoreStatus.ELEMENTS_DISCARDED: (
        Text("Warning", "Warning (警告)"),
        Text(
            "kept as pictures only, or without the elements that identify the patient (keep.dicom)",
            "変換後の画像だけを保存した、または患者を識別する要素を除いて保管する (keep.dicom)",
        ),
    ),
    StoreStatus.STATEMENT_STOPPING: (
        Text("Pending", "Pending (停止中)"),
        Text("the service is stopping; the association is closed right after", "サービスの停止中。直後に切断する"),
    ),
    Status.SOP_CLASS_NOT_SUPPORTED: (
        Text("Refused", "Refused (拒否)"),
        Text(
            "the Affected SOP Class is not served, or is not that of the presentation context",
            "Affected SOP Classがサポート対象外、またはプレゼンテーションコンテキストのものと異なる",
        ),
    ),
    Status.NOT_AUTHORIZED: (
        Text("Refused", "Refused (拒否)"),
        Text("nobody asked for the image", "取得を要求していない画像"),
    ),
    Status.INVALID_SOP_INSTANCE: (
        Text("Error", "Error (エラー)"),
        Text("the Affected SOP Instance UID is not a UID", "Affected SOP Instance UIDがUIDとして不正"),
    ),
    Status.UNRECOGNIZED_OPERATION: (
        Text("Error", "Error (エラー)"),
        Text("an operation that is not served in this context", "このコンテキストで提供していない操作"),
    ),
    Status.MISTYPED_ARGUMENT: (
        Text("Error", "Error (エラー)"),
        Text("a command element is missing or of the wrong type", "コマンド要素の欠落または型の誤り"),
    ),
}

INVALID_INSTANCE: Final = Text(
    "; also for an Affected SOP Instance UID that is not a UID", "。Affected SOP Instance UIDが不正な場合も含む"
)
STOPPING: Final = Text("; also while the service is stopping", "。サービスの停止中も含む")
NOBODY_ASKED: Final = Text("; also for an image that nobody asked for", "。取得を要求していない画像も含む")
ONLY_WITH_WARNINGS: Final = Text(
    " (only with receive.warn_changes = true)", " (receive.warn_changes = true の場合だけ)"
)

UNSOLICITED: Final[Mapping[Unsolicited, Text]] = {
    Unsolicited.DISCARD: Text("discarded, with an Error Comment", "破棄し、Error Commentを返す"),
    Unsolicited.DISCARD_SUCCESS: Text("discarded", "破棄する"),
    Unsolicited.REFUSE: Text("discarded, refused as not authorised", "破棄し、許可されていない旨を返す"),
    Unsolicited.QUARANTINE: Text("set aside for a person to decide", "隔離し、担当者の判断を待つ"),
}

KEPT: Final[Mapping[Keep, Text]] = {
    Keep.NONE: Text(
        "DICOM objects are not kept once they are rendered; presentation states and what cannot be rendered stay.",
        "DICOM画像は変換後に保管しない。プレゼンテーションステートと変換できないものは残す。",
    ),
    Keep.STATEMENT: Text(
        "DICOM objects are kept with the elements listed below empty; every other value is byte for byte as received.",
        "下記の要素の値をクリアしてDICOM画像を保管する。それ以外の値は受信したままで、1バイトも変えない。",
    ),
    Keep.BASIC: Text(
        "DICOM objects are kept de-identified by the Basic Application Level Confidentiality Profile (PS3.15 E.2).",
        "基本アプリケーション機密性プロファイル (PS3.15 E.2) により匿名化してDICOM画像を保管する。",
    ),
}

ATTRIBUTES: Final[Mapping[int, str]] = {  # names as PS3.6 has them, in both languages
    tags.PATIENT_ID: "Patient ID",
    tags.PATIENT_NAME: "Patient's Name",
    tags.PATIENT_BIRTH_DATE: "Patient's Birth Date",
    tags.STUDY_DATE: "Study Date",
    tags.STUDY_TIME: "Study Time",
    tags.ACCESSION_NUMBER: "Accession Number",
    tags.STUDY_INSTANCE_UID: "Study Instance UID",
    tags.STUDY_DESCRIPTION: "Study Description",
    tags.MODALITIES_IN_STUDY: "Modalities in Study",
    tags.NUMBER_OF_STUDY_RELATED_SERIES: "Number of Study Related Series",
    tags.NUMBER_OF_STUDY_RELATED_INSTANCES: "Number of Study Related Instances",
    tags.NUMBER_OF_SERIES_RELATED_INSTANCES: "Number of Series Related Instances",
    tags.MODALITY: "Modality",
    tags.SERIES_INSTANCE_UID: "Series Instance UID",
    tags.SERIES_NUMBER: "Series Number",
    tags.SERIES_DESCRIPTION: "Series Description",
    tags.SOP_CLASS_UID: "SOP Class UID",
    tags.SOP_INSTANCE_UID: "SOP Instance UID",
    tags.INSTANCE_NUMBER: "Instance Number",
}
