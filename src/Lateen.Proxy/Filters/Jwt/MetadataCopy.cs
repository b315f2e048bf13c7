using Lateen.Proxy.Filters.Metadata;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>Copies values from one store of metadata into another. What does not fit is left out, and the target says that it overflowed.</summary>
internal static class MetadataCopy
{
    /// <summary>All members of a struct into another struct.</summary>
    public static void Members(MetadataValue source, MetadataValue target)
    {
        for (MetadataValue one = source.First; !one.IsMissing; one = one.Next)
        {
            switch (one.Kind)
            {
                case MetadataKind.Text: target.Set(one.Key, one.Text); break;
                case MetadataKind.Number: target.Set(one.Key, one.Number); break;
                case MetadataKind.Bool: target.Set(one.Key, one.IsTrue); break;
                case MetadataKind.Struct: Members(one, target.SetStruct(one.Key)); break;
                case MetadataKind.List: Elements(one, target.SetList(one.Key)); break;
                default: target.SetNull(one.Key); break;
            }
        }
    }

    /// <summary>All elements of a list into another list.</summary>
    public static void Elements(MetadataValue source, MetadataValue target)
    {
        for (MetadataValue one = source.First; !one.IsMissing; one = one.Next)
        {
            switch (one.Kind)
            {
                case MetadataKind.Text: target.Add(one.Text); break;
                case MetadataKind.Number: target.Add(one.Number); break;
                case MetadataKind.Bool: target.Add(one.IsTrue); break;
                case MetadataKind.Struct: Members(one, target.AddStruct()); break;
                case MetadataKind.List: Elements(one, target.AddList()); break;
                default: target.AddNull(); break;
            }
        }
    }
}
